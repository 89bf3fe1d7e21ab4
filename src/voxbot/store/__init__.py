"""The database: models, migrations and repositories. The only SQL of VoxBot."""
