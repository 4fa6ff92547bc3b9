"""The dots of a layer: the areas they fill, their ids, their limits, and what hides them."""
