"""Rules of servicing: periods, schedules, accrual, allocation; pure, in whole minor units."""
