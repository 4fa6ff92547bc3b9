"""lite: dense motion from a picture and tracks, small enough for any machine."""
