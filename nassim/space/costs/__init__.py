"""What the networks of a space cost: by look-up, from what some of them, or their parts, were counted at."""
