/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef THAW_DECLARED_FILE_SYSTEM_SESSION_CONNECTION_H
#define THAW_DECLARED_FILE_SYSTEM_SESSION_CONNECTION_H

#include <base/allocator.h>
#include <base/connection.h>
#include <base/signal.h>

namespace File_system {

	using Genode::size_t;
	using Genode::uint64_t;

	struct File_handle { unsigned long value; };
	struct Dir_handle  { unsigned long value; };

	enum Mode { READ_ONLY = 1, WRITE_ONLY = 2 };

	struct Lookup_failed     : Genode::Exception { };
	struct No_space          : Genode::Exception { };
	struct Permission_denied : Genode::Exception { };

	struct Status { uint64_t size; };

	struct Packet_descriptor
	{
		enum Opcode { READ, WRITE, WRITE_TIMESTAMP, CONTENT_CHANGED, READ_READY, SYNC };

		Packet_descriptor();
		Packet_descriptor(Packet_descriptor, File_handle, Opcode, size_t length, uint64_t position);

		size_t length() const;
		bool   succeeded() const;
	};

	struct Source
	{
		Packet_descriptor alloc_packet(size_t);
		char             *packet_content(Packet_descriptor);
		void              submit_packet(Packet_descriptor);
		void              wakeup();
		bool              ack_avail();
		Packet_descriptor get_acked_packet();
		void              release_packet(Packet_descriptor);
	};

	struct Session : Genode::Session
	{
		using Path = Genode::Rpc_in_buffer<1024>;
		using Name = Genode::Rpc_in_buffer<128>;
	};

	struct Connection : Genode::Connection<Session>
	{
		Connection(Genode::Env &, Genode::Range_allocator &, char const *label);

		Source     *tx();
		void        sigh(Genode::Signal_context_capability);
		Dir_handle  dir(Session::Path const &, bool create);
		File_handle file(Dir_handle, Session::Name const &, Mode, bool create);
		Status      status(File_handle);
		void        truncate(File_handle, uint64_t);
		void        close(File_handle);
		void        close(Dir_handle);
	};
}

#endif
