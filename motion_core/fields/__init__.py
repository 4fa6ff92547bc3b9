"""Dense motion: the field, its estimation from tracks (densifiers), and the renderer."""
