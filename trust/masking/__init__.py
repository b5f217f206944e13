"""Takes personal values out of what a model is sent: by field first, then by what belongs to somebody, then by form."""
