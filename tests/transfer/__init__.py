"""Transfer, magnification and separation, held to motion whose answer is known."""
