"""Which update rule gradients or a log's advantages are of: from files to sentences."""
