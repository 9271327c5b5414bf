"""What networks cost: Work and Profile, and counting them on the meta device."""
