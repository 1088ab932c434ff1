"""The driving adapter: the only package that knows Teams, activities and cards."""
