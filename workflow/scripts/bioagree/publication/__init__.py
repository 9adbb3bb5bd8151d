"""What turns results into a package that others can check, cite and use again."""
