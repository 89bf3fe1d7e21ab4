"""Protocols of the speech engines (VAD, ASR, TTS), their fallback wrapper, and resampling."""
