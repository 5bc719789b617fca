/*
 * \brief  Timer session of the target: its clock can be set, what remains is known exactly
 */

/*
 * Copyright (C) 2026 The Thaw authors
 *
 * SPDX-License-Identifier: AGPL-3.0-only
 */

#ifndef _TIMER_SHIM_H_
#define _TIMER_SHIM_H_

#include <base/mutex.h>
#include <base/rpc_server.h>
#include <timer_session/connection.h>

namespace Thaw { class Timer_shim; }


class Thaw::Timer_shim : public Genode::Rpc_object<Timer::Session, Timer_shim>
{
	public:

		using uint64_t = Genode::uint64_t;

		/**
		 * All that the session is
		 */
		struct State
		{
			uint64_t elapsed   { };   /* what the target would read, microseconds */
			uint64_t remaining { };   /* until the next signal */
			uint64_t period    { };   /* 0: once */
			bool     armed     { };
		};

	private:

		static constexpr uint64_t MIN_US = 250, MIN_PERIOD_US = 1000;

		Timer::Connection   &_timer;
		bool          const &_frozen;
		Genode::Mutex        _mutex { };
		uint64_t             _offset;                  /* own clock to that of the target, may wrap */
		uint64_t             _deadline = 0, _period = 0;
		bool                 _armed    = false;
		bool                 _stands   = false;        /* the clock, until the target goes on */
		uint64_t mutable     _last     = 0;
		Genode::Signal_context_capability _sigh { };

		Timer::One_shot_timeout<Timer_shim> _timeout { _timer, *this, &Timer_shim::_handle };

		uint64_t _now() const
		{
			uint64_t const now = _stands ? _last : _timer.curr_time().trunc_to_plain_us().value + _offset;
			if (now > _last) _last = now;
			return _last;
		}

		void _schedule(uint64_t now)
		{
			uint64_t const us = _deadline > now ? _deadline - now : 1;
			_timeout.schedule(Genode::Microseconds { us });
		}

		void _arm(uint64_t us, uint64_t period)
		{
			Genode::Mutex::Guard guard(_mutex);
			uint64_t const now = _now();
			_deadline = now + us;
			_period   = period;
			_armed    = true;
			_schedule(now);
		}

		void _handle(Genode::Duration)
		{
			Genode::Mutex::Guard guard(_mutex);

			/* while a checkpoint looks at the signals of the target none may be added */
			if (!_armed || _frozen) return;

			uint64_t const now = _now();
			if (now < _deadline) { _schedule(now); return; }

			/* each period is signalled, as Genode's timer does, also if the handler was held up */
			uint64_t due = 1;
			if (_period) {
				due += (now - _deadline)/_period;
				_deadline += due*_period;
				_schedule(now);
			} else
				_armed = false;

			if (_sigh.valid())
				Genode::Signal_transmitter(_sigh).submit(unsigned(due));
		}

	public:

		Timer_shim(Timer::Connection &timer, bool const &frozen)
		:
			_timer(timer), _frozen(frozen),
			_offset(0 - timer.curr_time().trunc_to_plain_us().value)
		{ }

		State state()
		{
			Genode::Mutex::Guard guard(_mutex);
			uint64_t const now = _now();
			return { .elapsed   = now,
			         .remaining = _armed && _deadline > now ? _deadline - now : 0,
			         .period    = _period,
			         .armed     = _armed };
		}

		void state(State const &state)
		{
			Genode::Mutex::Guard guard(_mutex);
			_last     = state.elapsed;
			_stands   = true;
			_armed    = state.armed;
			_period   = state.period;
			_deadline = state.elapsed + state.remaining;
		}

		/**
		 * Name of the handler: badge of its signal context
		 */
		Genode::Signal_context_capability sigh() const { return _sigh; }

		/**
		 * Go on after the clock was set or signals were held back
		 */
		void go_on()
		{
			Genode::Mutex::Guard guard(_mutex);
			if (_stands) {
				_stands = false;
				_offset = _last - _timer.curr_time().trunc_to_plain_us().value;
			}
			if (_armed) _schedule(_now());
		}

		void trigger_once(uint64_t us) override { _arm(Genode::max(us, MIN_US), 0); }

		void trigger_periodic(uint64_t us) override
		{
			if (us) {
				/* the first signal comes at once, as it does of Genode's timer */
				_arm(0, Genode::max(us, MIN_PERIOD_US));
			} else {
				Genode::Mutex::Guard guard(_mutex);
				_armed = false;
				_timeout.discard();
			}
		}

		void sigh(Genode::Signal_context_capability sigh) override { _sigh = sigh; }

		uint64_t elapsed_us() const override { return _now(); }
		uint64_t elapsed_ms() const override { return _now() / 1000; }

		void msleep(uint64_t) override { }
		void usleep(uint64_t) override { }
};

#endif /* _TIMER_SHIM_H_ */
