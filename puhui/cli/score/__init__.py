"""The commands of scores (评分): models learned, chosen, held over files, and audited."""
