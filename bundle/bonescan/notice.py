"""The notice that stands in every result."""

RESEARCH_USE = "Research use only, not for diagnosis"
