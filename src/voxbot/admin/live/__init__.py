"""Live calls: what the bots tell of them, and what staff can do to them."""
