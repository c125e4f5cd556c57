"""Models of menus of rewards: gaps, bridges, responses, the trap of a penalty."""
