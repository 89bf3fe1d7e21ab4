"""Work that goes on behind the requests, and can be watched."""
