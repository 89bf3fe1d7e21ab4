"""The words every other package speaks: audio, ids, dialogue, events, errors. Imports nothing of VoxBot."""
