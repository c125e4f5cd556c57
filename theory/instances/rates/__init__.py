"""Models made from pass rates alone: one decision, components that succeed together as told."""
