"""The agent: a question and the dialogue so far to a streamed, spoken-style answer."""
