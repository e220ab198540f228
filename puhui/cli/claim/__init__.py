"""What is claimed and what is measured (核对): the survey's systems and open corpora of cases."""
