"""Surfaces of objects: meshed, smoothed, thinned, measured, and written."""
