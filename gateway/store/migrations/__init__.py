"""Steps of the schema 数据库迁移, run in order when a store is opened."""
