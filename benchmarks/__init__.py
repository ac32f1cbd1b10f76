"""Speed as ratios: every figure against yardsticks of the same run. ``make bench``; the goals are in ``docs/performance.md``."""
