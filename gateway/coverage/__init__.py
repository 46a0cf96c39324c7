"""Coverage 覆盖率: how many people a message reached, and how many could be reached, each figure with its evidence.

``model.MessageCoverage`` is the read model of one message: it folds evidence as it is committed and gives a
``CoverageSnapshot`` at any time. ``figures`` holds the two rules, ``standing`` the registered and online coverage,
``contract`` the bodies of the HTTP interface, ``table`` the tables for a console. ``books`` keeps the models of
messages up to date for readers; nothing else here does I/O or knows the clock.
"""
