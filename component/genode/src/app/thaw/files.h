/*
 * \brief  Two files of a target in a file system
 */

/*
 * Copyright (C) 2026 The Thaw authors
 *
 * SPDX-License-Identifier: AGPL-3.0-only
 */

#ifndef _FILES_H_
#define _FILES_H_

#include <base/allocator_avl.h>
#include <base/heap.h>
#include <file_system_session/connection.h>
#include <timer_session/connection.h>

#include <abi.h>

namespace Thaw { class Files; }


/**
 * Operations are done by a thread of their own: a server may stand still for ever, and whoever asks must not
 */
class Thaw::Files : Genode::Noncopyable
{
	private:

		using Word = Rust::Word;
		using Span = Rust::Span;
		using Long = Rust::Long;

		enum { PACKET = 32*1024, STACK = 32*1024 };

		enum class Op { SIZE, READ, WRITE, EMPTY, SYNC };

		using Name  = Genode::String<80>;
		using Label = Genode::String<64>;

		/* what is asked for, and the answer; content goes through the buffer */
		struct Request
		{
			Op   op     { };
			Name file   { };
			Word offset { }, bytes { };
			Word result { }, done { };
			Long size   { };
		};

		Genode::Env             &_env;
		unsigned          const  _patience_ms;
		Genode::Heap             _heap    { _env.ram(), _env.rm() };
		Genode::Allocator_avl    _packets { &_heap };
		File_system::Connection  _fs;
		char                     _buffer[PACKET] { };
		Request                  _request { };
		Label                    _target  { };

		/* whoever asks */
		Timer::Connection       _timer    { _env };
		Genode::Signal_receiver _receiver { };
		Genode::Signal_context  _done { }, _late { };
		bool volatile           _busy = false;

		Genode::Signal_context_capability const _done_cap { _receiver.manage(_done) };

		/* who does it */
		Genode::Signal_receiver    _fs_receiver { };
		Genode::Signal_context     _fs_acked { };
		Genode::Entrypoint         _ep { _env, STACK, "files", Genode::Affinity::Location() };
		Genode::Signal_handler<Files> _handler { _ep, *this, &Files::_handle };

		using Packet = File_system::Packet_descriptor;

		/**
		 * Result of 'fn', which may throw what the session throws
		 */
		static Word _result_of(auto const &fn)
		{
			try { return fn(); }
			catch (File_system::Lookup_failed)     { return Word(Core_session::Result::NOT_FOUND); }
			catch (File_system::No_space)          { return Rust::NO_SPACE; }
			catch (File_system::Permission_denied) { return Rust::NO_SPACE; }
			catch (...)                            { return Rust::FILE_REFUSED; }
		}

		Word _transact(File_system::File_handle handle, Packet::Opcode op)
		{
			auto &tx = *_fs.tx();
			Packet const raw = tx.alloc_packet(_request.bytes);
			Packet const packet(raw, handle, op, _request.bytes, _request.offset);

			if (op == Packet::WRITE)
				Genode::memcpy(tx.packet_content(packet), _buffer, _request.bytes);

			tx.submit_packet(packet);
			tx.wakeup();
			while (!tx.ack_avail())
				_fs_receiver.wait_for_signal();

			Packet const ack = tx.get_acked_packet();
			_request.done = ack.succeeded() ? Genode::min(Word(ack.length()), _request.bytes) : 0;
			if (op == Packet::READ && _request.done)
				Genode::memcpy(_buffer, tx.packet_content(ack), _request.done);

			tx.release_packet(raw);
			return ack.succeeded() ? 0 : Word(Rust::FILE_REFUSED);
		}

		Word _do(File_system::File_handle handle)
		{
			switch (_request.op) {
			case Op::SIZE:  _request.size = _fs.status(handle).size; return 0;
			case Op::EMPTY: _fs.truncate(handle, 0);                 return 0;
			case Op::READ:  return _transact(handle, Packet::READ);
			case Op::SYNC:  return _transact(handle, Packet::SYNC);
			case Op::WRITE: break;
			}
			/* a file system that is full says no more than that it did not write */
			return _transact(handle, Packet::WRITE) || !_request.done ? Word(Rust::NO_SPACE) : 0;
		}

		/**
		 * Open the file, which is made if there is none, and do what is asked for
		 */
		Word _with_file(bool create)
		{
			bool const writes = _request.op == Op::WRITE || _request.op == Op::EMPTY;
			bool missing = false;

			File_system::Dir_handle const dir = _fs.dir("/", false);
			Word const result = _result_of([&] {
				missing = true;
				File_system::File_handle const handle =
					_fs.file(dir, _request.file.string(),
					         writes ? File_system::WRITE_ONLY : File_system::READ_ONLY, create);
				missing = false;
				Word const result = _result_of([&] { return _do(handle); });
				_fs.close(handle);
				return result;
			});
			_fs.close(dir);

			bool const make = missing && writes && !create && result == Word(Core_session::Result::NOT_FOUND);
			return make ? _with_file(true) : result;
		}

		/**
		 * At our own entrypoint
		 */
		void _handle()
		{
			_request.result = _result_of([&] { return _with_file(false); });
			_busy = false;
			Genode::Signal_transmitter(_done_cap).submit();
		}

		/**
		 * Let the operation be done, and wait for it, but not for ever
		 */
		Word _ask(Op op, Word file, Word offset = 0, Word bytes = 0)
		{
			if (_busy) return Rust::NO_SPACE;

			_request = { .op     = op,
			             .file   = Name(_target, file ? ".b.thaw" : ".a.thaw"),
			             .offset = offset,
			             .bytes  = bytes };
			_busy = true;
			_handler.local_submit();

			Genode::uint64_t const begin = _timer.elapsed_ms();
			while (_busy) {
				Genode::uint64_t const waited = _timer.elapsed_ms() - begin;
				if (waited >= _patience_ms) {
					Genode::error("thaw: the file system does not answer");
					return Rust::NO_SPACE;
				}
				_timer.trigger_once(1000*(_patience_ms - waited));
				_receiver.wait_for_signal();
			}
			return _request.result;
		}

	public:

		/**
		 * \param patience_ms  how long one operation may take
		 */
		Files(Genode::Env &env, Label const &label, unsigned patience_ms = 5000)
		: _env(env), _patience_ms(patience_ms), _fs(env, _packets, label.string())
		{
			_timer.sigh(_receiver.manage(_late));
			_fs.sigh(_fs_receiver.manage(_fs_acked));
		}

		~Files()
		{
			_receiver.dissolve(_done);
			_receiver.dissolve(_late);
			_fs_receiver.dissolve(_fs_acked);
		}

		/**
		 * Whose files they are
		 */
		void name(Label const &target) { _target = target; }

		/**
		 * Size of a file, 0 if there is none
		 */
		Word size(Word file, Long &bytes)
		{
			Word const result = _ask(Op::SIZE, file);
			bytes = result ? 0 : _request.size;
			return result == Word(Core_session::Result::NOT_FOUND) ? 0 : result;
		}

		Word read(Word file, Word offset, Span const &to)
		{
			for (Word at = 0; at < to.bytes; at += _request.done) {
				Word const part   = Genode::min(to.bytes - at, Word(PACKET));
				Word const result = _ask(Op::READ, file, offset + at, part);
				if (result || !_request.done)
					return result ? result : Word(Rust::FILE_REFUSED);
				Genode::memcpy((char *)to.addr + at, _buffer, _request.done);
			}
			return 0;
		}

		Word write(Word file, Word offset, Span const &from)
		{
			for (Word at = 0; at < from.bytes; at += _request.done) {
				if (_busy) return Rust::NO_SPACE;

				Word const part = Genode::min(from.bytes - at, Word(PACKET));
				Genode::memcpy(_buffer, (char const *)from.addr + at, part);
				Word const result = _ask(Op::WRITE, file, offset + at, part);
				if (result) return result;
			}
			return 0;
		}

		Word empty(Word file) { return _ask(Op::EMPTY, file); }
		Word sync (Word file) { return _ask(Op::SYNC,  file); }
};

#endif /* _FILES_H_ */
