"""The one search loop: it drives real and simulated searches, and books what they cost."""
