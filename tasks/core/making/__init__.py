"""What makes data: unpacking, tables, geometries, topology, codes and joins."""
