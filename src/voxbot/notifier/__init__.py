"""Call events of many Asterisk hosts in, one living Telegram message per call and chat out."""
