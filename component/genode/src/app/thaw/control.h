/*
 * \brief  One target: when it is checkpointed and restored, and how it fares
 */

/*
 * Copyright (C) 2026 The Thaw authors
 *
 * SPDX-License-Identifier: AGPL-3.0-only
 */

#ifndef _CONTROL_H_
#define _CONTROL_H_

#include <base/attached_rom_dataspace.h>
#include <base/registry.h>
#include <checkpoint_session/checkpoint_session.h>

#include <abi_world.h>

namespace Thaw { class Control; }


/**
 * All but 'target_exited' runs at the worker
 */
class Thaw::Control : Target::Exit, Genode::Noncopyable
{
	public:

		using Session = Checkpoint_session;
		using State   = Session::State;
		using Status  = Session::Status;
		using Node    = Genode::Node;

		/**
		 * Who is told of changes
		 */
		struct Observer : Genode::Interface { virtual void state_changed() = 0; };

		/**
		 * Attributes of the target's node, or of the node above it
		 */
		struct Policy
		{
			Genode::String<32> board { };
			Genode::String<64> image { };
			unsigned after_ms = 0, period_ms = 0;
			unsigned checkpoint_request = 0, restore_request = 0;
			bool     destroy = false, restore = false, print = false, resume = false, count = false,
			         keep_image = true;

			Policy(Node const &config, Node const &target)
			{
				auto set = [&] (char const *name, auto &value) {
					value = target.attribute_value(name, config.attribute_value(name, value)); };

				board = "unknown";
				set("board",               board);
				set("image",               image);
				set("checkpoint_after_ms", after_ms);
				set("period_ms",           period_ms);
				set("checkpoint_request",  checkpoint_request);
				set("restore_request",     restore_request);
				set("destroy",             destroy);
				set("restore",             restore);
				set("print",               print);
				set("resume",              resume);
				set("count",               count);
				set("keep_image",          keep_image);
			}
		};

	private:

		Genode::Env &_env;
		World       &_world;
		Observer    &_observer;
		Policy       _policy;
		Managed      _managed;
		bool const   _store;

		State         _state  { };
		bool volatile _exited = false;
		Status        _last   { };
		Rust::Job     _job    { };

		/* the image in memory, if there is one */
		Rust::Span _image { };

		Genode::Signal_handler<Control>   _due_handler;
		Genode::Signal_handler<Control>   _exit_handler;
		Timer::One_shot_timeout<Control>  _due;

		void _submit_due(Genode::Duration) { _due_handler.local_submit(); }

		void _handle_due()
		{
			/* a target that is gone is not waited for */
			if (state() == State::RUNNING) {
				(void)checkpoint(_policy.destroy);
				if (state() == State::SAVED && _policy.restore) {
					_count("between");
					(void)restore();
				}
			}
			_schedule(_policy.period_ms);
		}

		/* what is in use while there is no target must not grow */
		void _count(char const *when)
		{
			if (_policy.count)
				_world.count(when);
		}

		/* all that an exited target was given comes back; its image stays, if that is wanted */
		void _handle_exit()
		{
			if (!_exited || !_managed.target()) return;
			Working const working(*this);
			_world.destroy();
			if (!_policy.keep_image)
				_forget_image();
			_count("exited");
		}

		void _schedule(unsigned ms)
		{
			if (ms) _due.schedule(Genode::Microseconds { 1000ull * ms });
		}

		/**
		 * While it exists we work on the target; then core is free for others again
		 */
		struct Working : Genode::Noncopyable
		{
			World &_world;

			Working(Control &control) : _world(control._world)
			{
				_world.select(control._managed);
				Genode::copy_cstring(control._job.board, control._policy.board.string(), sizeof(control._job.board));
			}

			~Working() { _world.release(); }
		};

		void _done(Rust::Outcome const &outcome)
		{
			_last.generation = outcome.generation;
			_last.us         = outcome.us;
			_last.threads    = outcome.threads;
			_last.dataspaces = outcome.dataspaces;
			_last.ram_bytes  = outcome.ram_bytes;
			_last.error[0]   = 0;
			if (outcome.image.bytes)
				_last.image_bytes = outcome.image.bytes;
		}

		void _say(Rust::Outcome &outcome, char const *error)
		{
			Genode::log("thaw: ", name(), ": ", error);
			Genode::copy_cstring(outcome.error, error, sizeof(outcome.error));
		}

		bool _refused(Rust::Outcome const &outcome)
		{
			_last.refusals++;
			Genode::memcpy(_last.error, outcome.error, sizeof(_last.error));
			return false;
		}

		/**
		 * The image from the store, nothing if there is none
		 */
		Rust::Span _load(Rust::Outcome &outcome)
		{
			return _store && thaw_rust_load(&_job, &outcome) ? outcome.image : Rust::Span { };
		}

		bool _restore_from_module()
		{
			try {
				Genode::Attached_rom_dataspace rom(_env, _policy.image.string());

				/* who serves the module could change it after it was verified */
				Rust::Span copy { };
				Rust::Outcome outcome { };
				if (_managed.memory.take(Memory::IMAGE, Rust::Word(rom.size()), copy)) {
					_say(outcome, "no memory for the image: give this component more RAM");
					return _refused(outcome);
				}
				Genode::memcpy((void *)copy.addr, rom.local_addr<void>(), copy.bytes);
				bool const ok = _restore(copy);
				_forget_image();
				return ok;
			}
			catch (...) { Genode::error("thaw: there is no ROM module ", _policy.image); }
			return false;
		}

		bool _restore(Rust::Span const &image)
		{
			Rust::Outcome outcome { };
			bool const had_target = _managed.target();

			bool const ok = image.bytes && thaw_rust_restore(&_job, &image, &outcome);
			if (ok) {
				_done(outcome);
				_last.restores++;
				_job.generation = Genode::max(_job.generation, outcome.generation);
				_exited = false;
				_state  = State::RUNNING;
			} else if (had_target && !_managed.target())
				_state = image.bytes ? State::SAVED : State::NONE;

			if (!ok)
				_count("refused");
			return ok || _refused(outcome);
		}

	public:

		Control(Genode::Env &env, Genode::Entrypoint &worker, Timer::Connection &timer,
		        Managed::Common const &common, World &world, bool store, Observer &observer,
		        Target::Attr const &attr, Node const &config, Node const &target)
		:
			_env(env), _world(world), _observer(observer), _policy(config, target),
			_managed(common, attr, *this), _store(store),
			_due_handler(worker, *this, &Control::_handle_due),
			_exit_handler(worker, *this, &Control::_handle_exit),
			_due(timer, *this, &Control::_submit_due)
		{
			_managed.config.write(target);
		}

		Managed::Name const &name() const { return _managed.attr.name; }

		State state() const { return _state == State::RUNNING && _exited ? State::EXITED : _state; }

		/**
		 * Target::Exit, at the entrypoint
		 */
		void target_exited(int value) override
		{
			Genode::log("thaw: ", name(), " exited with ", value);
			_exited = true;
			_exit_handler.local_submit();
			_observer.state_changed();
		}

		/**
		 * Make the target, from the beginning or an image
		 */
		void start()
		{
			Working const working(*this);

			Rust::Outcome outcome { };
			if (_policy.count) {
				/* the entrypoint may still be busy with our own start */
				_world.pause();
				_count("before");
			}
			if (_store && thaw_rust_find(&_job, &outcome))
				_job.generation = outcome.generation;

			if (_policy.image.valid())
				(void)_restore_from_module();
			else if (_policy.resume && _job.generation)
				(void)restore();
			else if (_managed.start())
				_state = State::RUNNING;
			else
				Genode::error("thaw: ", name(), " could not be started");

			_schedule(_policy.after_ms ? _policy.after_ms : _policy.period_ms);
			_observer.state_changed();
		}

		/**
		 * Take a new configuration: requests are numbers that grow
		 */
		void apply(Node const &config, Node const &target)
		{
			Policy const old = _policy;
			_policy = Policy(config, target);

			if (_policy.checkpoint_request > old.checkpoint_request)
				(void)checkpoint(_policy.destroy);
			if (_policy.restore_request > old.restore_request)
				(void)restore();
			if (_policy.period_ms != old.period_ms)
				_schedule(_policy.period_ms);
		}

		bool checkpoint(bool destroy)
		{
			Working const working(*this);

			Rust::Outcome outcome { };
			_job.generation++;
			_job.destroy = destroy;
			_job.store   = _store;

			bool const alive = _managed.target() && !_exited;
			if (!alive)
				_say(outcome, "the target does not run: restore it");

			unsigned const taken = _managed.memory.taken();
			bool const ok = alive && thaw_rust_checkpoint(&_job, &outcome);
			if (ok) {
				_done(outcome);
				_last.checkpoints++;
				_image = outcome.image;
				if (_policy.print)
					thaw_rust_print(&_image);
				if (destroy)
					_state = State::SAVED;
				if (_store)
					_forget_image();
			} else {
				_job.generation--;
				(void)_refused(outcome);
				/* the older image, if its memory was not yet taken for the new one, can be restored still */
				if (_managed.memory.taken() != taken)
					_forget_image();
			}
			_observer.state_changed();
			return ok;
		}

		/**
		 * Make the target of its newest image; the image stays until the next checkpoint
		 */
		bool restore()
		{
			Working const working(*this);

			Rust::Outcome outcome { };
			Rust::Span const image = _image.bytes ? _image : _load(outcome);
			bool ok = false;
			if (image.bytes)
				ok = _restore(image);
			else if (!_store && _policy.image.valid())
				ok = _restore_from_module();
			else {
				if (!_store)
					_say(outcome, "there is no image: make a checkpoint first");
				(void)_refused(outcome);
			}
			if (_store)
				_forget_image();
			_observer.state_changed();
			return ok;
		}

		Status status(bool ok) const
		{
			Status status = _last;
			status.state  = state();
			status.result = ok ? Session::Result::OK : Session::Result::REFUSED;
			return status;
		}

	private:

		void _forget_image()
		{
			Rust::Span unused { };
			(void)_managed.memory.take(Memory::IMAGE, 0, unused);
			_image = { };
		}
};

#endif /* _CONTROL_H_ */
