"""One call, from the moment Asterisk hands it over to the moment nothing of it is left."""
