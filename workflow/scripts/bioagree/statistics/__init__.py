"""How well measurements agree, repeat and differ."""
