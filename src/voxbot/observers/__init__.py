"""Those who listen to call events: they can neither slow nor break a call."""
