// Package csvfile pays through files: a rail that writes the payouts of a batch into one CSV file for a bank, and reads what
// became of them from CSV files of the bank.
//
// It promises that a batch is one file, whole or not there, whose bytes follow from the batch alone; that the same batch handed
// over again, by this process or another of the host, is the same file and not a second one, also after the bank has taken the
// file away; and that it never writes over a file. What a batch was made of is remembered in a hidden folder beside the files, by
// the hash of the file, so that nothing personal stays there. It must never answer for the bank: a key of which no file of the
// bank speaks is no news. The folder must be on a file system of this host, or on one whose locks hold between hosts. The declared
// integration calls it, and businesses that write their own main.
package csvfile
