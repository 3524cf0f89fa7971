"""What several flows declare alike: publishers, licences, and the columns kept of large files."""
