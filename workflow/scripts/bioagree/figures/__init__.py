"""Pictures that show every measured value, drawn on axes that the caller provides."""
