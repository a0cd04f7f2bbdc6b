"""Small mistakes, made in the pure rules one at a time: do the tests notice? ``make mutations``.

``mutants`` makes them from the source, ``trial`` tries each in a process of its own, ``equivalent`` lists those that change
nothing that anybody could notice, with the reason. The kept libraries were looked at: mutmut mutates functions only, not the tables
that the rules are; cosmic-ray starts pytest anew, and edits the checkout, for each.
"""
