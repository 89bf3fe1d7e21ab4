"""Audio between Asterisk and the bot: transports, G.711, and what of the bot's speech has been heard."""
