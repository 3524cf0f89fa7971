"""Tables of figures read in a stream, typed, and copied into the staging schema."""
