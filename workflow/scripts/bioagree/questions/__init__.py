"""One module a type of question: from the objects of a study to the tables that answer it."""
