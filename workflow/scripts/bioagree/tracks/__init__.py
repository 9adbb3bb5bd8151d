"""Who is who from frame to frame, who divided, and how well that was found."""
