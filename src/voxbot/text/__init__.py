"""Text on its way in (spoken units to canonical) and out (segments, canonical to speakable)."""
