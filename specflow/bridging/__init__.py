"""A platform from here: a client for it, a job followed on it, and the bridge that has an island run there."""
