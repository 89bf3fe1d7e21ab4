"""Who gets which calls in Telegram."""
