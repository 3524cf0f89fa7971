"""The columns that flows keep of large files, with every name the publishers have given them."""
