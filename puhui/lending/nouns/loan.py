"""Nouns of servicing 贷后 that lending speaks of, under the names it has always used."""

from __future__ import annotations

from puhui.servicing import noun

Allocation = noun.Allocation
AllocationLine = noun.AllocationLine
Cost = noun.Cost
DayCount = noun.DayCount
Direction = noun.Direction
Drawdown = noun.Drawdown
EventKind = noun.EventKind
Frequency = noun.Frequency
Instalment = noun.Instalment
InstalmentState = noun.InstalmentState
LoanEvent = noun.LoanEvent
LoanState = noun.LoanState
LoanStatus = noun.LoanStatus
Method = noun.Method
Overpayment = noun.Overpayment
Part = noun.Part
PayOffQuote = noun.PayOffQuote
Schedule = noun.Schedule
Servicing = noun.Servicing
Terms = noun.Terms
Timing = noun.Timing
YearCut = noun.YearCut
