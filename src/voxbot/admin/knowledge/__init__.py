"""The knowledge bases: reading, uploading, reviewing, publishing, trying out, and what is missing in them."""
