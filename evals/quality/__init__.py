"""Does it answer well: suites of cases in files, played on the whole service with any model, scored and compared."""
