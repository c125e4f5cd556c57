"""Which code, platform and options a number was computed by."""
