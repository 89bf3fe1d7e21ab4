"""Files that staff upload, made into Markdown of a knowledge base. Conversion runs in a process of its own."""
