"""The settings schema and the snapshot that units read it from."""
