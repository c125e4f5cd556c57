"""Named small models, each with a policy class and a documented purpose."""
