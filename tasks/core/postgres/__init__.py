"""The PostgreSQL database: connections, the private cluster, migrations."""
