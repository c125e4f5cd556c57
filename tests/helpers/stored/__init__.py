"""What is stored in results/, read once for the tests of a worker."""
